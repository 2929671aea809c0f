/**
 * Loaded into a daemon before it starts (`node --import`): at SIGUSR2 its clock leaps three years forward, as a board's does when NTP
 * answers for the first time. Timers do not notice, as they do not then. What is looked at once a minute is looked at every second.
 */
const LEAP_MS = 3 * 365 * 86_400_000;
let offset = 0;
const { now } = Date;
Date.now = () => now() + offset;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: unknown[]) => new target(...((args.length === 0 ? [now() + offset] : args) as [number])),
});

const { setTimeout: after } = globalThis;
globalThis.setTimeout = Object.assign(
  ((run: () => void, ms?: number, ...more: []) => after(run, ms === 60_000 ? 1000 : ms, ...more)) as typeof setTimeout,
  after,
);

process.on('SIGUSR2', () => {
  offset += LEAP_MS;
});
