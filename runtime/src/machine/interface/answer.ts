/**
 * The node's own API, `/v1-atoll/…` beside the kubelet's on its tunnel: what `atoll` does on the machine, for those who reach it through
 * the cluster (docs/upgrades.md, "Through the cluster").
 *
 * Always true: it is reached through the API server's `nodes/NAME/proxy` only, which has asked who it is (mutual TLS, tokens) and whether
 * he may (`get` or `create` of `nodes/proxy`); looking is GET, changing is POST. The agent does none of the work itself: it starts a unit.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StatusError } from '../../api/status.ts';
import { Logs } from './logs.ts';
import { healthReport } from './reports.ts';
import { answer, bodyOf, fieldsOf, type NodeRequest, wrongMethod } from './request.ts';
import { notAnAtollMachine } from './units.ts';
import { Upgrades, type UpgradesOptions } from './upgrades.ts';

export interface NodeInterfaceOptions extends UpgradesOptions {
  readonly nodeName: string;
  /** `MachineStatus`, as `atoll status -o json` tells it. */
  readonly status: () => Promise<unknown>;
  /** `ConfigStatus`; undefined: nothing is known of it. */
  readonly configuration: () => unknown;
  /** Default: journalctl. */
  readonly journalCommand?: string;
}

export interface NodeInterface {
  /** @param path behind `/v1-atoll/` @throws StatusError */
  answer(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): Promise<void>;
  readonly upgrades: Upgrades;
}

type Answer = (asked: NodeRequest) => Promise<void> | void;

export function nodeInterface(options: NodeInterfaceOptions): NodeInterface {
  const upgrades = new Upgrades(options);
  const logs = new Logs(options.journalCommand);
  const found = (asked: NodeRequest, what: string, value: unknown): void => {
    if (value === undefined) throw new StatusError(404, 'NotFound', `${what} is not known on this node`);
    answer(asked, 200, value);
  };
  const routes: Readonly<Record<string, { readonly GET?: Answer; readonly POST?: Answer }>> = {
    upgrade: { GET: asked => upgrades.get(asked), POST: asked => upgrades.start(asked) },
    'upgrade/check': { POST: asked => upgrades.check(asked) },
    rollback: { POST: asked => upgrades.rollback(asked) },
    health: { GET: asked => found(asked, 'the health of a trial', healthReport(options.places)) },
    status: { GET: async asked => found(asked, 'the status', await options.status()) },
    config: { GET: asked => found(asked, 'what became of the configuration', options.configuration()) },
    logs: { GET: asked => logs.get(asked) },
    reset: { POST: asked => reset(options, asked) },
  };
  return {
    upgrades,
    async answer(request, response, path, query) {
      const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
      if (!route) throw new StatusError(404, 'NotFound', `this node does not serve /v1-atoll/${path}`);
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const run = method === 'GET' ? route.GET : method === 'POST' ? route.POST : undefined;
      if (!run) throw wrongMethod(Object.keys(route).join(', '));
      await run({ method: method ?? 'GET', path, query, request, response });
    },
  };
}

/** Erases the machine's data at the next boot, which it starts; `confirm` has to be the node's name. @throws StatusError 400, 501 */
async function reset({ nodeName, units, release }: NodeInterfaceOptions, asked: NodeRequest): Promise<void> {
  const { confirm, keepIdentity = false } = fieldsOf(await bodyOf(asked), {
    confirm: 'string',
    keepIdentity: 'boolean',
  });
  if (confirm !== nodeName)
    throw new StatusError(
      422,
      'Invalid',
      `this erases everything on ${nodeName}; to say that you mean it, confirm has to be its name`,
    );
  if (release().image === 'none') throw notAnAtollMachine('its agent runs outside an image');
  // The command asks for it durably, then restarts the machine.
  await units.start('atoll-reset-now', ['reset', '--yes', ...(keepIdentity ? ['--keep-identity'] : [])]);
  answer(asked, 202, {
    message: `${nodeName} restarts and erases its data${keepIdentity ? ' but its keys and names' : ''}`,
  });
}
