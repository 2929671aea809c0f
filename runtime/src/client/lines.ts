/** Splits a stream of bytes into its lines. */
const NEWLINE = 0x0a;

/**
 * Lines of `chunks` without their newline; empty lines are left out, a last line without newline is given.
 * @param maxLineBytes a longer line is an error: nobody may make us hold without end.
 * @throws Error on a line over `maxLineBytes`, and whatever `chunks` throws.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>, maxLineBytes = 32 * 2 ** 20): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end);
      const line = pending.length > 0 ? Buffer.concat([...pending, piece]) : piece;
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      if (line.length > 0) yield line;
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      if (pendingBytes > maxLineBytes) throw new Error(`a line of the stream is over ${maxLineBytes} bytes`);
    }
  }
  if (pendingBytes > 0) yield Buffer.concat(pending);
}
