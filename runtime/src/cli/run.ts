/** Runs the command line of this process: the only place that ends it. */
import { main } from './main.ts';

export function run(): void {
  main(process.argv.slice(2), process.env).then(
    code => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`atoll: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
}
