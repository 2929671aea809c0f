/** What the suite asks of the life of every kind: each through JSON and through protobuf, over the wire, beside the controllers. */
import { describe, it } from 'node:test';
import { kinds } from './conformance/kinds.ts';
import { live } from './conformance/lifecycle.ts';
import { conformance, suite } from './conformance/suite.ts';

describe('API life cycles', { timeout: 300_000, concurrency: 4 }, () => {
  const { wire, namespace } = suite();
  for (const kind of kinds) {
    let life: Promise<void> | undefined;
    const lives = async (): Promise<void> => {
      const here = await namespace();
      await live(wire('json'), kind, here);
      await live(wire('protobuf'), kind, here);
    };
    // One life is what several of the suite's tests look at.
    const once = (): Promise<void> => (life ??= lives());
    for (const title of kind.titles) conformance(title, once);
    if (kind.titles.length === 0) it(`${kind.api} ${kind.resource}`, once);
  }
});
