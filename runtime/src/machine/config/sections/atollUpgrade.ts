/** `atoll: upgrade:` — where this node looks for versions by itself, when, and which it takes. */
import { parseDuration } from '../../../lib/duration.ts';
import { parseWindow } from '../../../lib/timeWindow.ts';
import { field, type Infer, integer, mapping, text } from '../shape.ts';

const MIN_POLL_MS = 60_000;

const duration = (least: number) =>
  text({
    meaning: 'a duration such as 6h',
    lenient: true,
    refuse: value => {
      const ms = parseDuration(value);
      if (ms === undefined) return 'must be a duration such as 30m, 6h';
      return ms > 0 && ms < least ? `must be ${least / 1000} s or more, or 0` : undefined;
    },
  });

export const upgradeShape = mapping({
  channel: field(
    text({
      meaning: 'the URL of a channel',
      secret: true,
      maxLength: 4096,
      refuse: value => {
        const url = URL.canParse(value) ? new URL(value) : undefined;
        if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return 'must be an https or http URL';
        return /(?:\.json|\/)$/.test(url.pathname)
          ? undefined
          : 'must end with .json or with / (a folder with a channel.json)';
      },
    }),
    'the channel to look at: the URL of a channel.json, or of its folder; where an upgrade comes from when nobody says',
    { required: true, examples: ['https://example.com/atoll/'] },
  ),
  poll: field(duration(MIN_POLL_MS), 'how often; 0: not by itself; default 6h'),
  jitter: field(duration(0), 'at most so much later, at random; default a tenth of poll'),
  window: field(
    text({
      meaning: 'days and a time of day such as Sat,Sun 02:00-05:00',
      maxLength: 100,
      refuse: value => {
        try {
          parseWindow(value);
          return undefined;
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      },
    }),
    "when, in the machine's own time: days, from and to; default: always",
    { examples: ['Mon-Fri 22:00-04:00'] },
  ),
  rollout: field(
    integer(0, 100, 'percent'),
    'this node takes a version by itself only when it is among so many percent of all; the channel has such a number of its own; default 100',
  ),
  limit: field(
    text({ meaning: 'bytes a second such as 500k or 2M', pattern: /^\d+(\.\d+)?[kmgKMG]?$/, lenient: true }),
    'download no faster than so many bytes a second; default: as fast as it goes',
  ),
});

export type UpgradeConfiguration = Infer<typeof upgradeShape>;
