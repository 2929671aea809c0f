/** Wrong configurations and what is said of each: one problem a line, `line:column key message → hint`. The section `machine`. The section `atoll`. */
import type { WrongCase } from './lines.ts';

export const machine: readonly WrongCase[] = [
  ['machine: []', '2:10 machine must be a mapping, not a list → write "key: value", without "-" and brackets'],
  ['machine: {sysctl: {}}', '2:11 machine.sysctl unknown key "sysctl" → did you mean "sysctls"?'],
  [
    'machine: {sysctls: []}',
    '2:20 machine.sysctls must be a mapping, not a list → write "key: value", without "-" and brackets',
  ],
  [
    'machine: {sysctls: {ip_forward: 1}}',
    '2:21 machine.sysctls.ip_forward the key must be a name such as net.ipv4.ip_forward, not "ip_forward"',
  ],
  [
    'machine: {sysctls: {net.ipv4.ip_forward: 0}}',
    '2:42 machine.sysctls["net.ipv4.ip_forward"] cannot be set: pods need it: always 1',
  ],
  [
    'machine: {sysctls: {net.ipv4.conf.all.forwarding: 0, net/ipv4/conf/default/forwarding: 0, net.ipv4.conf.all.*: 0}}',
    [
      '2:51 machine.sysctls["net.ipv4.conf.all.forwarding"] cannot be set: pods need it: always 1',
      '2:88 machine.sysctls["net/ipv4/conf/default/forwarding"] cannot be set: pods need it: always 1',
      '2:112 machine.sysctls["net.ipv4.conf.all.*"] cannot be set: pods need it: always 1',
    ],
  ],
  [
    'machine: {sysctls: {net.bridge.bridge-nf-call-iptables: 0, kernel.panic: 0}}',
    [
      '2:57 machine.sysctls["net.bridge.bridge-nf-call-iptables"] cannot be set: services of the cluster need it: always 1',
      '2:74 machine.sysctls["kernel.panic"] cannot be set: a node that panics must boot again: the upgrade counts on it',
    ],
  ],
  [
    'machine: {sysctls: {net.ipv4.conf.all.forwarding: 1, net.ipv4.conf.eth1.forwarding: 0, kernel.panic: 10, net.bridge.bridge-nf-call-iptables: 1}}',
    [],
  ],
  [
    'machine: {sysctls: {kernel.printk: 7 4 1 7}, console: {log-level: 3}}',
    '2:67 machine.console.log-level is 3, and the sysctl "kernel.printk" is "7 4 1 7": they say the same → keep one of them',
  ],
  ['machine: {sysctls: {kernel.printk: 3 4 1 7}, console: {log-level: 3}}', []],
  [
    'machine: {sysctls: {net.core.somaxconn: 1, net/core/somaxconn: 2}}',
    '2:64 machine.sysctls["net/core/somaxconn"] is the same parameter as "net.core.somaxconn" → keep one of them',
  ],
  [
    'machine: {sysctls: {net.core.somaxconn: [1]}}',
    '2:41 machine.sysctls["net.core.somaxconn"] must be one line, not a list → remove the "-" or the brackets',
  ],
  [
    'machine: {sysctls: {net.core.somaxconn: }}',
    '2:21 machine.sysctls["net.core.somaxconn"] must be one line, not nothing → give it a value',
  ],
  ['machine: {sysctls: {kernel.hostname: a}}', '2:38 machine.sysctls["kernel.hostname"] cannot be set: use hostname'],
  [
    'machine: {sysctls: {kernel.panic: 0}}',
    '2:35 machine.sysctls["kernel.panic"] cannot be set: a node that panics must boot again: the upgrade counts on it',
  ],
  [
    'machine: {kernel-modules: 8021q}',
    '2:27 machine.kernel-modules must be a list, not "8021q" → write it as an item: "- " before it',
  ],
  ['machine: {kernel-modules: [../a]}', '2:28 machine.kernel-modules[0] must be the name of a module, not "../a"'],
  [
    'machine: {kernel-modules: [a-b, a_b]}',
    '2:33 machine.kernel-modules[1] the module "a_b" is here twice → keep one of them',
  ],
  [
    'machine: {kernel-modules: [{parameters: {a: b}}]}',
    '2:28 machine.kernel-modules[0] the key "name" is missing → its name',
  ],
  [
    'machine: {kernel-modules: [{name: a, parameters: {a: "b c"}}]}',
    '2:54 machine.kernel-modules[0].parameters.a must be a value without white space, not "b c"',
  ],
  ['machine: {watchdog: 5}', '2:21 machine.watchdog must be seconds from 10 to 600, not 5'],
  ['machine: {watchdog: 1m}', '2:21 machine.watchdog must be true or false or seconds from 10 to 600, not "1m"'],
  [
    'machine: {watchdog: 060}',
    '2:21 machine.watchdog is 48 to YAML 1.1 and 60 to YAML 1.2: 060 → write the number without leading zeros',
  ],
  ['machine: {console: off}', '2:20 machine.console must be a mapping, not "off"'],
  ['machine: {console: {log-level: 8}}', '2:32 machine.console.log-level must be a whole number from 0 to 7, not 8'],
  ['machine: {zram: 50%}', '2:17 machine.zram must be true or false or a mapping, not "50%"'],
  [
    'machine: {zram: {size: 256}}',
    '2:24 machine.zram.size must be a size such as 256M or 1G, not the number 256 → put it in quotes',
  ],
  ['machine: {zram: {size: 0M}}', '2:24 machine.zram.size must be a size such as 256M or 1G, not "0M"'],
  [
    'machine: {zram: {algorithm: lz5}}',
    '2:29 machine.zram.algorithm must be one of lz4, zstd, not "lz5" → did you mean "lz4"?',
  ],
  ['machine: {zrm: true}', '2:11 machine.zrm unknown key "zrm" → did you mean "zram"?'],
];

export const atoll: readonly WrongCase[] = [
  ['atoll: true', '2:8 atoll must be a mapping, not true'],
  ['atoll: {rol: server}', '2:9 atoll.rol unknown key "rol" → did you mean "role"?'],
  ['atoll: {role: master}', '2:15 atoll.role must be one of server, agent, not "master"'],
  [
    'atoll: {role: agent}',
    [
      '2:15 atoll.role an agent needs the server it joins → add server: https://ADDRESS:6443',
      '2:15 atoll.role an agent needs a token to join with → add token: (on the server: cat /var/lib/atoll/server/node-token) or token-file:',
    ],
  ],
  [
    'atoll: {role: agent, server: "https://192.0.2.1:6443"}',
    '2:15 atoll.role an agent needs a token to join with → add token: (on the server: cat /var/lib/atoll/server/node-token) or token-file:',
  ],
  [
    'atoll: {role: agent, server: "192.0.2.1", token: x}',
    '2:30 atoll.server must be a URL like https://192.0.2.1:6443, not "192.0.2.1"',
  ],
  [
    'atoll: {role: agent, server: "http://192.0.2.1:6443", token: x}',
    '2:30 atoll.server must be a URL like https://192.0.2.1:6443, not "http://192.0.2.1:6443"',
  ],
  [
    'atoll: {role: server, server: "https://192.0.2.1:6443"}',
    '2:31 atoll.server is not available yet for a server: a second server cannot join → a node of that server is role: agent',
  ],
  ['atoll: {token: "a b"}', '2:16 atoll.token must be a join token without white space'],
  [
    'atoll: {token: [x]}',
    '2:16 atoll.token must be a join token without white space, not a list → remove the "-" or the brackets',
  ],
  [
    'atoll: {"node-label+": [a=b]}',
    '2:9 atoll["node-label+"] unknown key "node-label+" → lists of several sources are not joined: write "node-label" with all there is',
  ],
  ['atoll: {x: y}', '2:9 atoll.x unknown key "x"'],
  ['atoll: {tokn: hunter2}', '2:9 atoll.tokn unknown key "tokn" → did you mean "token"?'],
  [
    'atoll: {token: a, token-file: /etc/x}\nwrite_files: [{path: /etc/x}]',
    '2:31 atoll.token-file says the same as token: give one of them',
  ],
  ['atoll: {https-listen-port: 0}', '2:28 atoll.https-listen-port must be a port from 1 to 65535, not 0'],
  [
    'atoll: {https-listen-port: "6443"}',
    '2:28 atoll.https-listen-port must be a port from 1 to 65535, not "6443" → remove the quotes',
  ],
  [
    'atoll: {https-listen-port: 6443.5}',
    '2:28 atoll.https-listen-port must be a port from 1 to 65535, not the number 6443.5',
  ],
  [
    'atoll: {node-name: Node_1}',
    '2:20 atoll.node-name must be a DNS name: lower-case letters, digits, "-" and ".", not "Node_1"',
  ],
  ['atoll: {node-label: [zone]}', '2:22 atoll.node-label[0] must be KEY=VALUE, not "zone"'],
  [
    'atoll: {node-label: ["kubernetes.io/x=y"]}',
    '2:22 atoll.node-label[0] "kubernetes.io/x=y": a node may not give itself kubernetes.io/x: give it with kubectl label node, or use a key of your own',
  ],
  ['atoll: {node-label: {a: b}}', '2:21 atoll.node-label must be KEY=VALUE or a list, not a mapping'],
  [
    'atoll: {node-taint: ["a=b:Never"]}',
    '2:22 atoll.node-taint[0] "a=b:Never": the effect "Never" must be NoSchedule, PreferNoSchedule or NoExecute',
  ],
  ['atoll: {node-taint: [a]}', '2:22 atoll.node-taint[0] must be KEY=VALUE:EFFECT or KEY:EFFECT, not "a"'],
  ['atoll: {node-ip: 192.0.2.300}', '2:18 atoll.node-ip must be an IP address such as 192.0.2.10, not "192.0.2.300"'],
  ...(
    [
      ['advertise-address', '0.0.0.0', 'no address yet'],
      ['advertise-address', '::', 'no address yet'],
      ['advertise-address', '127.0.0.1', 'the machine itself, for every machine'],
      ['advertise-address', 'fe80::1', 'an address of one cable only (link-local)'],
      ['node-ip', '127.0.0.1', 'the machine itself, for every machine'],
      ['node-ip', '::1', 'the machine itself, for every machine'],
      ['node-ip', '169.254.7.1', 'an address of one cable only (link-local)'],
      ['node-external-ip', '::ffff:127.0.0.1', 'the machine itself, for every machine'],
      ['node-external-ip', '224.0.0.251', 'an address of many machines (multicast, broadcast)'],
      ['node-external-ip', '255.255.255.255', 'an address of many machines (multicast, broadcast)'],
      ['node-external-ip', 'ff02::1', 'an address of many machines (multicast, broadcast)'],
    ] as const
  ).map(
    ([name, address, what]): WrongCase => [
      `atoll: {${name}: "${address}"}`,
      `2:${11 + name.length} atoll.${name} "${address}" is ${what}: it must be one others reach this node by, such as 192.0.2.10`,
    ],
  ),
  [
    'atoll: {node-ip: ["192.0.2.1", "fe80::1"]}',
    '2:32 atoll.node-ip[1] "fe80::1" is an address of one cable only (link-local): it must be one others reach this node by, such as 192.0.2.10',
  ],
  [
    'atoll: {advertise-address: 192.0.2.010}',
    '2:28 atoll.advertise-address "192.0.2.010" is read differently by programs: write 192.0.2.10',
  ],
  [
    'atoll: {bind-address: "fe80::1"}',
    '2:23 atoll.bind-address "fe80::1" is an address of one cable only (link-local), which cannot be listened on by itself',
  ],
  [
    'atoll: {bind-address: 224.0.0.1}',
    '2:23 atoll.bind-address "224.0.0.1" is an address of many machines (multicast, broadcast): it must be one of this machine',
  ],
  [
    'atoll: {bind-address: 192.0.2.9}',
    '2:23 warning: atoll.bind-address 192.0.2.9 is no address of network-config: there is no API while the machine does not have it → give the machine this address in network-config, or leave bind-address out',
  ],
  ['atoll: {bind-address: 127.0.0.1}', []],
  ['atoll: {bind-address: "::"}', []],
  [
    'atoll: {cluster-cidr: 10.42.0.0}',
    '2:23 atoll.cluster-cidr must be an IPv4 range such as 10.42.0.0/16, not "10.42.0.0"',
  ],
  [
    'atoll: {cluster-cidr: 10.42.0.1/16}',
    '2:23 atoll.cluster-cidr "10.42.0.1/16" has bits beyond its length: 10.42.0.0/16 is meant?',
  ],
  [
    'atoll: {cluster-cidr: 10.42.0.0/30}',
    '2:23 atoll.cluster-cidr must be as large as a /8 to a /24, such as 10.42.0.0/16, not "10.42.0.0/30"',
  ],
  [
    'atoll: {cluster-cidr: "fd00::/56"}',
    '2:23 atoll.cluster-cidr "fd00::/56" is not available yet: IPv6; it must be an IPv4 range such as 10.42.0.0/16',
  ],
  [
    'atoll: {cluster-cidr: 10.0.0.0/8, service-cidr: 10.43.0.0/16}',
    '2:49 atoll.service-cidr pods (cluster-cidr 10.0.0.0/8) and services (service-cidr 10.43.0.0/16) share addresses',
  ],
  [
    'atoll: {cluster-cidr: 10.0.0.0/8}',
    '2:23 atoll.cluster-cidr pods (cluster-cidr 10.0.0.0/8) and services (service-cidr 10.43.0.0/16, the default) share addresses',
  ],
  [
    'atoll: {node-ip: "fd00::1,10.43.0.1"}',
    '2:18 atoll.node-ip 10.43.0.1 is an address of services (service-cidr 10.43.0.0/16, the default)',
  ],
  [
    'atoll: {cluster-cidr: 10.44.0.0/16, cluster-dns: 10.44.0.10}',
    '2:50 atoll.cluster-dns 10.44.0.10 is an address of pods (cluster-cidr 10.44.0.0/16)',
  ],
  [
    'atoll: {cluster-dns: [10.43.0.11, 10.53.0.10, 169.254.20.10]}',
    '2:22 warning: atoll.cluster-dns 10.53.0.10 is no address of services (service-cidr 10.43.0.0/16, the default) → pods ask it as it is: no Service of the cluster can have it',
  ],
  [
    'atoll: {cluster-domain: "cluster local"}',
    '2:25 atoll.cluster-domain must be a DNS domain such as cluster.local, not "cluster local"',
  ],
  [
    'atoll: {service-node-port-range: 30000}',
    '2:34 atoll.service-node-port-range must be a range of ports such as 30000-32767, not the number 30000 → put it in quotes',
  ],
  [
    'atoll: {service-node-port-range: 32767-30000}',
    '2:34 atoll.service-node-port-range must be FIRST-LAST with ports from 1 to 65535, not "32767-30000"',
  ],
  ['atoll: {tls-san: ["a b"]}', '2:19 atoll.tls-san[0] must be a DNS name or an IP address, not "a b"'],
  [
    'atoll: {datastore-endpoint: "postgres://x"}',
    '2:9 atoll.datastore-endpoint is not available yet: a cluster has one server, whose store is SQLite on its own disk',
  ],
  [
    'atoll: {cluster-init: true}',
    '2:9 atoll.cluster-init is not available yet: a cluster has one server, whose store is SQLite on its own disk',
  ],
  [
    'atoll: {flannel-backend: vxlan}',
    '2:26 atoll.flannel-backend "vxlan" is not available yet: pods are on a bridge of their node; with flannel-backend: none another CNI can be brought',
  ],
  [
    'atoll: {flannel-backend: host-gw}',
    '2:26 atoll.flannel-backend "host-gw" is not available yet: pods are on a bridge of their node; with flannel-backend: none another CNI can be brought',
  ],
  ['atoll: {flannel-backend: non}', '2:26 atoll.flannel-backend must be "none", not "non" → did you mean "none"?'],
  [
    'atoll: {kubelet-arg: ["max-pods=200, v=4"]}',
    `2:23 atoll.kubelet-arg[0] the kubelet's option max-pods: "200, v=4" must be a whole number from 1 to 250: a node has 254 addresses for pods`,
  ],
  ['atoll: {disable: "a b/c"}', '2:18 atoll.disable must be a name, not "a b/c"'],
  [
    'atoll: {docker: true}',
    '2:9 atoll.docker is not available yet: containerd has the one runtime runc and the one snapshotter overlayfs',
  ],
  ['atoll: {kubelet-arg: {a: b}}', '2:22 atoll.kubelet-arg must be text or a list, not a mapping'],
  [
    'atoll: {kubelet-arg: [max-pods]}',
    "2:23 atoll.kubelet-arg[0] the kubelet's option max-pods: must be max-pods=VALUE",
  ],
  [
    'atoll: {kube-apiserver-arg: [nonsense=1]}',
    '2:30 atoll.kube-apiserver-arg[0] kube-apiserver\'s option "nonsense" is not available in Atoll',
  ],
  ...(
    [
      ['authorization-mode=Webhook', 'there is no mode Webhook (there are Node, RBAC, AlwaysAllow, AlwaysDeny)'],
      ['authorization-mode=RBAC,RBAC', 'a mode is given twice'],
      ['anonymous-auth=maybe', 'is true or false, not "maybe"'],
      ['service-account-issuer=:x', '":x" is not a URL'],
      ['service-account-jwks-uri=x', '"x" is not a URL'],
      ['service-account-max-token-expiration=5m', '"5m" is not a duration of at least an hour, like 24h, nor 0'],
      ['enable-admission-plugins=PodNodeSelector', 'PodNodeSelector cannot be switched on: Atoll does not have it'],
      ['enable-admission-plugins=EventRateLimit', 'EventRateLimit needs limits from admission-control-config-file'],
      ['default-not-ready-toleration-seconds=-1', `"-1" is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`],
      ['audit-log-maxage=long', '"long" is not a whole number from 0 to 1000000'],
      ['audit-log-path=/var/log/audit', 'needs audit-policy-file: without a policy nothing is written down'],
    ] as const
  ).map(
    ([argument, what]): WrongCase => [
      `atoll: {kube-apiserver-arg: ["${argument}"]}`,
      `2:30 atoll.kube-apiserver-arg[0] kube-apiserver's option ${argument.split('=')[0]}: ${what}`,
    ],
  ),
  [
    'atoll: {kube-apiserver-arg: "authorization-mode=Rbac"}',
    "2:29 atoll.kube-apiserver-arg kube-apiserver's option authorization-mode: there is no mode Rbac; did you mean RBAC? (there are Node, RBAC, AlwaysAllow, AlwaysDeny)",
  ],
  [
    'atoll: {kube-apiserver-arg: [audit-log-maxage=1, audit-log-maxage=2]}',
    "2:50 atoll.kube-apiserver-arg[1] kube-apiserver's option audit-log-maxage: is given twice",
  ],
  [
    'atoll: {kube-apiserver-arg: [enable-admission-plugins=Priority, disable-admission-plugins=Priority]}',
    "2:30 atoll.kube-apiserver-arg[0] kube-apiserver's option enable-admission-plugins: Priority is disabled as well",
  ],
  ['atoll: {token: "a::b"}', '2:16 atoll.token the join token has "::" but does not begin with "K10"'],
  [
    'atoll: {token: K10cut}',
    '2:16 atoll.token the join token is cut short or damaged: it must be K10<64 hexadecimal digits>::<user>:<secret>',
  ],
  [
    'atoll: {write-kubeconfig: /usr/x}',
    '2:27 atoll.write-kubeconfig "/usr/x" is on the read-only root → write below /etc (new at every boot), /var, /run, /tmp or /root',
  ],
  [
    'atoll: {kube-apiserver-arg: [audit-policy-file=/etc/p, audit-log-path=/audit.log]}\nwrite_files: [{path: /etc/p}]',
    '2:56 atoll.kube-apiserver-arg[1] "/audit.log" is on the read-only root → write below /etc (new at every boot), /var, /run, /tmp or /root',
  ],
  [
    'atoll: {write-kubeconfig-group: nope}',
    '2:33 warning: atoll.write-kubeconfig-group there is no group "nope" in the images of Atoll, and users makes none: the server does not start → add a user with it in groups, unless your image has it',
  ],
  ['atoll: {write-kubeconfig-group: ops}\nusers: [{name: jane, groups: "ops, dialout"}]', []],
  ['atoll: {write-kubeconfig-group: 20}', []],
  [
    'atoll: {token-file: /nope}',
    '2:21 warning: atoll.token-file "/nope" is no file of write_files: the server does not start without it → add it to write_files, unless the machine has it',
  ],
  [
    'atoll: {kube-apiserver-arg: [audit-policy-file=/nope]}',
    '2:30 warning: atoll.kube-apiserver-arg[0] "/nope" is no file of write_files: the server does not start without it → add it to write_files, unless the machine has it',
  ],
  [
    'atoll: {token-file: /etc/token}\nwrite_files: [{path: /etc/token, content: x, defer: true}]',
    '2:21 warning: atoll.token-file "/etc/token" is written late, when the daemons have been started: until then the server does not start → leave out defer: true in write_files',
  ],
  ['atoll: {token-file: /etc/token}\nwrite_files: [{path: /etc/token, content: x}]', []],
  ['atoll: {token-file: /var/token}\nbootcmd: [make-token]', []],
  ['atoll: {registries: {mirror: {}}}', '2:22 atoll.registries.mirror unknown key "mirror" → did you mean "mirrors"?'],
  [
    'atoll: {registries: {mirrors: {docker.io: {endpoint: mirror}}}}',
    '2:54 atoll.registries.mirrors["docker.io"].endpoint must be a list, not "mirror" → write it as an item: "- " before it',
  ],
  [
    'atoll: {registries: {configs: {docker.io: {auth: {user: a}}}}}',
    '2:51 atoll.registries.configs["docker.io"].auth.user unknown key "user" → the keys here are username, password, auth, identity_token',
  ],
  [
    'atoll: {manifests: {a: "kind: [x"}}',
    '2:24 atoll.manifests.a cannot be applied: Flow sequence in block collection must be sufficiently indented and end with a ] at line 1, column 9 → kubectl apply --dry-run=client -f FILE says it, too; lines count from the first of the text',
  ],
  [
    'atoll: {manifests: {a: "apiVersion: v1"}}',
    '2:24 atoll.manifests.a cannot be applied: holds an object without apiVersion and kind → kubectl apply --dry-run=client -f FILE says it, too; lines count from the first of the text',
  ],
  [
    'atoll:\n  manifests:\n    a: |\n      apiVersion: v1\n      kind: Pod\n      metadata: {generateName: a-}',
    '4:8 atoll.manifests.a cannot be applied: holds a Pod without metadata.name → give the object a name: with generateName it would be another one at each boot',
  ],
  [
    'atoll: {manifests: {a: "hello"}}',
    '2:24 atoll.manifests.a cannot be applied: holds something that is no object of Kubernetes → kubectl apply --dry-run=client -f FILE says it, too; lines count from the first of the text',
  ],
  [
    'atoll: {disable: [traefik, servicelb, trafik, bogus]}',
    [
      '2:18 warning: atoll.disable "trafik" is not in manifests, and nothing of that name is packaged → did you mean "traefik"?',
      '2:18 warning: atoll.disable "bogus" is not in manifests, and nothing of that name is packaged → it is the name of a file without .yaml',
    ],
  ],
  ['atoll: {disable: [mine], manifests: {mine.yaml: ""}}', []],
  [
    'atoll: {manifests: {a: "", a.yaml: "", b.yml: "", b.json: "", c: ""}}',
    [
      '2:36 atoll.manifests["a.yaml"] is the same manifest as "a": only one of them would be applied → give it another name, or put both in one text with --- between them',
      '2:59 atoll.manifests["b.json"] is the same manifest as "b.yml": only one of them would be applied → give it another name, or put both in one text with --- between them',
    ],
  ],
  ['atoll: {manifests: {a: 1}}', '2:24 atoll.manifests.a must be text, not the number 1 → put it in quotes'],
  [
    'atoll: {manifests: [a]}',
    '2:20 atoll.manifests must be a mapping, not a list → write "key: value", without "-" and brackets',
  ],
  [
    'atoll: {images: ["a b"]}',
    '2:18 atoll.images[0] must be the full name of an image or the path of an archive, not "a b"',
  ],
  [
    'atoll: {role: agent, server: "https://192.0.2.1:6443", token: x, cluster-cidr: 10.42.0.0/16}',
    '2:80 atoll.cluster-cidr is an option of servers, and this is an agent (role: agent)',
  ],
  ['atoll: {vpn-auth: x}', '2:9 atoll.vpn-auth is not available yet: Atoll starts no VPN'],
  [
    'atoll: {selinux: true}',
    "2:18 atoll.selinux is not available: there is no SELinux in Debian's kernel as it is started here → leave it out, or say false",
  ],
  ['atoll: {debug: "maybe"}', '2:16 atoll.debug must be true or false, not "maybe"'],
  ['atoll: {debug: "true"}', '2:16 atoll.debug must be true or false, not "true" → remove the quotes'],
  ['atoll: {v: "four"}', '2:12 atoll.v must be a whole number from 0 to 10, not "four"'],
  [
    'atoll: {token-auth-file: /etc/tokens}',
    '2:9 atoll.token-auth-file is not available: it is given as kube-apiserver-arg: [NAME=VALUE]',
  ],
  ['atoll: {max-pods: 60}', '2:9 atoll.max-pods is not available: it is given as kubelet-arg: [NAME=VALUE]'],
  ['atoll: {v: 11}', '2:12 atoll.v must be a whole number from 0 to 10, not 11'],
  ['atoll: {config: /x}', '2:9 atoll.config is not available: this file is the configuration'],
];
