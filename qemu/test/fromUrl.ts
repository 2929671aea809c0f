/** A server that gives out a configuration, well or badly, and the network that comes with it on another way. */
import type { RequestListener } from 'node:http';

/** How the server behaves, by name. */
export const answersWith = (userData: string): Readonly<Record<string, RequestListener>> => ({
  away: (_, response) => response.writeHead(503).end(),
  good: (_, response) => response.end(userData),
  lies: (_, response) => response.end('#cloud-config\nhostname: evil\n'),
  hangs: () => {},
  cut: (request, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('#cloud-config\n', () => request.socket.destroy());
  },
  round: (request, response) => response.writeHead(302, { location: request.url }).end(),
});

/** The ways of answering that a node refuses, and what it says of them. */
export const badAnswers = [
  ['lies', /has the SHA-256 [0-9a-f]{64}, and atoll\.config\.sha256 asks for/],
  ['cut', /was cut off/],
  ['round', /redirects more than 5 times/],
  ['away', /answered with HTTP 503/],
  ['hangs', /said nothing for 10 s/],
] as const;

/** @param uplink lines of YAML, each indented by four, that say which card is the first and what it is called */
export const networkWith = (uplink: string): string => `version: 2
ethernets:
  uplink:
${uplink}
    addresses: [10.0.2.15/24, "fd00:a7::15/64"]
    routes: [{to: default, via: 10.0.2.2}]
    nameservers: {addresses: [10.0.2.3], search: [hall.example.org]}
  left:
    match: {macaddress: "52:54:00:00:00:01"}
  right:
    match: {macaddress: "52:54:00:00:00:02"}
bonds:
  bond0:
    interfaces: [left, right]
    parameters: {mode: active-backup, mii-monitor-interval: 100}
    addresses: [192.0.2.10/24]
vlans:
  office:
    id: 42
    link: bond0
    addresses: [198.51.100.10/24]
bridges:
  br-lab:
    addresses: [203.0.113.10/24]
`;

/** Two more cards, on a wire of their own. */
export const leftAndRight: readonly string[] = ['01', '02'].flatMap(n => [
  '-netdev',
  `hubport,id=h${n},hubid=7`,
  '-device',
  `virtio-net-pci,netdev=h${n},mac=52:54:00:00:00:${n},romfile=`,
]);
