// Preloaded into a process (NODE_OPTIONS=--import=…?ms=…) to shift its clock by `ms` milliseconds;
// with `&later`, only after SIGUSR2.
const { searchParams } = new URL(import.meta.url);
let shift = 0;
const jump = () => {
  shift = Number(searchParams.get('ms'));
};
if (searchParams.has('later')) process.once('SIGUSR2', jump);
else jump();
const RealDate = Date;
const now = () => RealDate.now() + shift;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given) => (given.length === 0 ? new target(now()) : Reflect.construct(target, given)),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
