/** The bundle's entry: the only place that ends the process. */
import { main } from './main.ts';

main(process.argv.slice(2), process.env).then(
  code => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`atoll: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
