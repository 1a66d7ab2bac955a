// Preloaded into a process (NODE_OPTIONS=--import=…?ms=…) to shift its clock by `ms` milliseconds;
// with `&later`, only after SIGUSR2. `ms` may be a list: each further SIGUSR2 takes the next.
const { searchParams } = new URL(import.meta.url);
const shifts = (searchParams.get('ms') ?? '').split(',').map(Number);
let shift = 0;
const jump = () => {
  shift = shifts.shift() ?? shift;
};
if (searchParams.has('later')) process.on('SIGUSR2', jump);
else jump();
const RealDate = Date;
const now = () => RealDate.now() + shift;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given) => (given.length === 0 ? new target(now()) : Reflect.construct(target, given)),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
