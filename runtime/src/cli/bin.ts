/** `atoll` from its sources; the image has {@link file://./loader.ts} instead. */
import { run } from './run.ts';

run();
