/** The URL of phone_home: cloud-init's `$INSTANCE_ID` and `${INSTANCE_ID}` are filled in (`templater.basic_render`), nothing else. */
import type { Rule } from '../types.ts';
import type { CloudInit } from './cloudInit.ts';

const placeholder = /\$(?:\{([^}]*)\}|([A-Za-z_]\w*))/g;

/** @returns the URL with the instance in it, in the escapes of URLs */
export const homeUrl = (url: string, instanceId: string): string =>
  url.replace(placeholder, (as, inBraces?: string, plain?: string) =>
    (inBraces ?? plain) === 'INSTANCE_ID' ? encodeURIComponent(instanceId) : as,
  );

export const homeRules: readonly Rule<CloudInit>[] = [
  function onlyTheInstance({ phone_home: home }, report) {
    if (home === undefined) return;
    for (const [as, inBraces, plain] of home.url.matchAll(placeholder))
      if ((inBraces ?? plain) !== 'INSTANCE_ID') {
        report(['phone_home', 'url'], `"${as}" stands for nothing: only $INSTANCE_ID is filled in`, {
          hint: 'ask for facts in post, such as hostname; a "$" that is meant is %24',
        });
        return;
      }
  },
];
