/** A time server that runs in the guest itself, as nothing outside of it can be reached. Source: RFC 5905 section 7.3. */

/** For the guest's Node.js: answers on its loopback, port 123, by its own clock. */
export const timeServerScript = `
const socket = require('node:dgram').createSocket('udp4');
const stamp = (bytes, at, ms) => {
  bytes.writeUInt32BE(Math.floor(ms / 1000) + 2208988800, at); // seconds since 1900
  bytes.writeUInt32BE(Math.floor(((ms % 1000) / 1000) * 2 ** 32), at + 4);
};
socket.on('message', (question, { port, address }) => {
  const received = Date.now();
  if (question.length < 48) return;
  const answer = Buffer.alloc(48);
  answer.set([0x24, 2, question[2], 0xec]); // version 4, mode server, second stratum, microseconds
  answer.write('ATOL', 12, 'latin1');
  stamp(answer, 16, received);
  question.copy(answer, 24, 40, 48);
  stamp(answer, 32, received);
  stamp(answer, 40, Date.now());
  socket.send(answer, port, address);
});
socket.bind(123, '127.0.0.1');
`;
