/** The entry of the bundle `runtime.js`, which {@link file://./loader.ts} runs. */
export { run } from './run.ts';

/** Evaluates the modules both daemons are made of, for V8's code cache to hold what that compiles. Starts nothing. */
export async function preload(): Promise<void> {
  for (const load of [() => import('./server.ts'), () => import('./agent.ts'), () => import('./console.ts')])
    await load();
}
