/**
 * Writes `src/node/cri/descriptor.json`: the part of the Container Runtime Interface v1 that Atoll speaks, as a protobufjs
 * descriptor, so that the device parses no `.proto` text at start.
 *
 *   node --import tsx runtime/generate/cri.ts <api.proto>
 *
 * `api.proto` is `usr/share/gocode/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto` of Debian's golang-k8s-cri-api-dev
 * (Copyright The Kubernetes Authors, Apache-2.0). Only the calls named in `METHODS` and the messages they reach are kept.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
// Comes with @grpc/proto-loader, whose own parser it is.
import protobuf from 'protobufjs';

const METHODS: Readonly<Record<string, readonly string[]>> = {
  RuntimeService: [
    'Version',
    'Status',
    'RunPodSandbox',
    'StopPodSandbox',
    'RemovePodSandbox',
    'PodSandboxStatus',
    'ListPodSandbox',
    'CreateContainer',
    'StartContainer',
    'StopContainer',
    'RemoveContainer',
    'ListContainers',
    'ContainerStatus',
    'UpdateContainerResources',
    'ReopenContainerLog',
    'ExecSync',
    'Exec',
    'Attach',
    'PortForward',
    'ContainerStats',
    'ListContainerStats',
    'GetContainerEvents',
  ],
  ImageService: ['ListImages', 'ImageStatus', 'PullImage', 'RemoveImage', 'ImageFsInfo'],
};

/** Fields whose types no Linux node needs. */
const unwanted = (type: string): boolean => type.startsWith('Windows') || type === 'PsiStats';

interface Field {
  type: string;
  keyType?: string;
}
interface Message {
  fields?: Record<string, Field>;
  nested?: Record<string, Message>;
}
interface Service {
  methods: Record<string, { requestType: string; responseType: string }>;
}

const source = process.argv[2];
if (!source) {
  process.stderr.write('usage: cri.ts <api.proto>\n');
  process.exitCode = 2;
} else {
  const root = protobuf.parse(readFileSync(source, 'utf8'), { keepCase: false }).root.toJSON() as {
    nested: { runtime: { nested: { v1: { nested: Record<string, Message & Service> } } } };
  };
  const all = root.nested.runtime.nested.v1.nested;
  const kept: Record<string, unknown> = {};
  const keep = (name: string): void => {
    const message = all[name];
    if (!message || kept[name]) return;
    kept[name] = message;
    for (const [field, { type }] of Object.entries(message.fields ?? {})) {
      if (unwanted(type)) delete message.fields?.[field];
      else keep(type);
    }
  };
  for (const [name, methods] of Object.entries(METHODS)) {
    const service = all[name];
    if (!service) throw new Error(`${source} has no service ${name}: is it the CRI v1 api.proto?`);
    const wanted = Object.fromEntries(
      methods.map(method => {
        const found = service.methods[method];
        if (!found) throw new Error(`${source}: ${name} has no ${method}`);
        keep(found.requestType);
        keep(found.responseType);
        return [method, found];
      }),
    );
    kept[name] = { methods: wanted };
  }
  const descriptor = {
    comment:
      'From k8s.io/cri-api 0.36 api.proto, Copyright The Kubernetes Authors, Apache-2.0. Written by runtime/generate/cri.ts.',
    nested: { runtime: { nested: { v1: { nested: kept } } } },
  };
  const out = join(dirname(fileURLToPath(import.meta.url)), '../src/node/cri/descriptor.json');
  writeFileSync(out, `${JSON.stringify(descriptor)}\n`);
  process.stdout.write(
    `${Object.keys(kept).length} messages and services, ${JSON.stringify(descriptor).length} bytes\n`,
  );
}
