import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import type { OwnedMember, Presence, PresenceMember } from '../../src/ports/presence.js';
import { until } from '../helpers/until.js';

const ns = namespaceSchema.parse('shop');
const other = namespaceSchema.parse('shop-2');

const member = (id: string, joined = '2026-01-01T00:00:00.000Z', meta: unknown = null): OwnedMember => ({
  member_id: id,
  joined_at: joined,
  meta,
  owner: 'key:1',
});

const shown = ({ owner: _, ...member }: OwnedMember): PresenceMember => member;

/**
 * Tests for every driver of the Presence port, with leases long enough to be renewed on a slow
 * machine.
 */
export function presenceConformance(driver: string, open: (leaseMs: number) => Promise<Presence>): void {
  const LEASE_MS = 3000;
  let presence: Presence;
  let brief: Presence;
  test.serial.before(async () => {
    presence = await open(60_000);
    brief = await open(LEASE_MS);
  });
  test.serial.after.always(async () => {
    await presence?.close();
    await brief?.close();
  });

  const ids = async (topic: string, from = presence) =>
    (await from.members(ns, topic)).map((m) => m.member_id);

  test(`${driver}: members are listed with their metadata in the order in which they joined`, async (t) => {
    const bob = member('bob', '2026-01-01T00:00:02.000Z', { seat: 4, name: 'Бob "🙂"' });
    const ann = member('ann', '2026-01-01T00:00:01.000Z', null);
    await presence.touch(ns, 'room', 'c1', bob);
    await presence.touch(ns, 'room', 'c2', ann);
    t.deepEqual(await presence.members(ns, 'room'), [shown(ann), shown(bob)]);
    t.deepEqual(await presence.members(ns, 'empty'), []);
  });

  test(`${driver}: a member id belongs to its owner until its connections have left or their leases expired`, async (t) => {
    const mine = member('ann', '2026-01-01T00:00:01.000Z', '\ud800');
    const theirs = { ...mine, owner: 'key:2 3' };
    t.true(await presence.touch(ns, 'owned', 'c1', mine));
    t.false(await presence.touch(ns, 'owned', 'c2', theirs));
    t.true(await presence.touch(ns, 'owned', 'c1', mine), 'renewed');
    t.true(await presence.touch(ns, 'owned', 'c3', mine), 'a second connection');
    t.true(await presence.touch(ns, 'elsewhere', 'c2', theirs));
    await presence.leave(ns, 'owned', 'c1');
    t.false(await presence.touch(ns, 'owned', 'c2', theirs));
    t.is((await presence.members(ns, 'owned')).length, 1);
    await presence.leave(ns, 'owned', 'c3');
    t.true(await presence.touch(ns, 'owned', 'c2', theirs));
    t.false(await presence.touch(ns, 'owned', 'c1', mine));
    t.true(await presence.touch(ns, 'owned', 'c1', null), 'a connection without a member is accepted');
    t.true(await brief.touch(ns, 'lapsing', 'c1', mine));
    await sleep(LEASE_MS + 100);
    t.true(await brief.touch(ns, 'lapsing', 'c2', theirs), 'an expired lease frees the member id');
  });

  test(`${driver}: a connection that leaves is removed immediately, and leaving twice is not an error`, async (t) => {
    await presence.touch(ns, 'door', 'c1', member('ann'));
    await presence.touch(ns, 'door', 'c2', member('bob'));
    await presence.leave(ns, 'door', 'c1');
    await presence.leave(ns, 'door', 'c1');
    t.deepEqual(await ids('door'), ['bob']);
    await presence.leave(ns, 'door', 'c2');
    t.deepEqual(await ids('door'), []);
    t.false((await presence.topics(ns)).includes('door'));
  });

  test(`${driver}: a member with two connections is listed once until both have left`, async (t) => {
    await presence.touch(ns, 'tabs', 'c1', member('ann', '2026-01-01T00:00:01.000Z'));
    await presence.touch(ns, 'tabs', 'c2', member('ann', '2026-01-01T00:00:02.000Z'));
    t.deepEqual(await presence.members(ns, 'tabs'), [shown(member('ann', '2026-01-01T00:00:01.000Z'))]);
    await presence.leave(ns, 'tabs', 'c1');
    t.deepEqual(await ids('tabs'), ['ann']);
    await presence.leave(ns, 'tabs', 'c2');
    t.deepEqual(await ids('tabs'), []);
  });

  test(`${driver}: a member is found by its id as long as one of its connections is on the topic`, async (t) => {
    const isMember = (id: string, topic = 'found') => presence.isMember(ns, topic, id);
    const memberIds = async () => (await presence.memberIds(ns, 'found')).sort();
    t.false(await isMember('ann'));
    t.deepEqual(await memberIds(), []);
    await presence.touch(ns, 'found', 'bob', member('ann'));
    await presence.touch(ns, 'found', 'c2', member('ann'));
    await presence.touch(ns, 'found', 'c3', member('m:Бob 🙂'));
    await presence.touch(ns, 'found', 'c4', null);
    await presence.touch(namespaceSchema.parse('shop-3'), 'found', 'c1', member('cid'));
    t.true(await isMember('ann'));
    t.true(await isMember('m:Бob 🙂'));
    for (const id of ['bob', 'c2', 'cid', 'Бob 🙂', '']) t.false(await isMember(id), id);
    t.false(await isMember('ann', 'elsewhere-found'));
    t.deepEqual(await memberIds(), ['ann', 'm:Бob 🙂']);
    await presence.leave(ns, 'found', 'bob');
    t.true(await isMember('ann'));
    await presence.leave(ns, 'found', 'c2');
    t.false(await isMember('ann'));
    t.deepEqual(await memberIds(), ['m:Бob 🙂']);
    await brief.touch(ns, 'found-briefly', 'c1', member('ann'));
    t.true(await brief.isMember(ns, 'found-briefly', 'ann'));
    await sleep(LEASE_MS + 100);
    t.false(await brief.isMember(ns, 'found-briefly', 'ann'), 'its lease has expired');
    t.deepEqual(await brief.memberIds(ns, 'found-briefly'), []);
  });

  test(`${driver}: a connection without a member lists its topic but is not listed as a member`, async (t) => {
    await presence.touch(ns, 'quiet', 'c1', null);
    t.deepEqual(await ids('quiet'), []);
    t.true((await presence.topics(ns)).includes('quiet'));
    await presence.touch(ns, 'quiet', 'c1', member('ann'));
    t.deepEqual(await ids('quiet'), ['ann']);
    await presence.touch(ns, 'quiet', 'c1', null);
    t.deepEqual(await ids('quiet'), []);
  });

  test(`${driver}: topics with special characters and equal topics of two namespaces are separate`, async (t) => {
    await presence.touch(ns, 'a:b', 'c1', member('ann'));
    await presence.touch(other, 'a:b', 'c1', member('bob'));
    await presence.touch(ns, 'a', 'b:c1', member('cid'));
    await presence.touch(ns, '{a}🙂*', 'c1', member('dan'));
    t.deepEqual(await ids('a:b'), ['ann']);
    t.deepEqual(await ids('a'), ['cid']);
    t.deepEqual(await ids('{a}🙂*'), ['dan']);
    t.deepEqual(
      (await presence.members(other, 'a:b')).map((m) => m.member_id),
      ['bob'],
    );
    t.deepEqual(await presence.topics(other), ['a:b']);
  });

  test(`${driver}: a connection that is not renewed is removed after its lease, and a renewed one is kept`, async (t) => {
    await brief.touch(ns, 'leases', 'dead', member('dead'));
    await brief.touch(ns, 'leases', 'live', member('live'));
    await brief.touch(ns, 'dying', 'dead', null);
    t.deepEqual((await ids('leases', brief)).sort(), ['dead', 'live']);
    await until('the expired connections are removed', async () => {
      await brief.touch(ns, 'leases', 'live', member('live'));
      await sleep(LEASE_MS / 5);
      return (await ids('leases', brief)).length === 1 && !(await brief.topics(ns)).includes('dying');
    });
    t.deepEqual(await ids('leases', brief), ['live']);
    t.true((await brief.topics(ns)).includes('leases'));
  });

  test(`${driver}: a thousand members of one topic are all listed`, async (t) => {
    const all = Array.from({ length: 1000 }, (_, i) => `m${String(i).padStart(4, '0')}`);
    await Promise.all(all.map((id) => presence.touch(ns, 'crowd', `c-${id}`, member(id))));
    t.deepEqual(await ids('crowd'), all);
  });
}
