// What is known of an operation's lines: a few chunks of them, fetched when they are needed and forgotten when they
// are far away. A line is [number, moment, stream, step position, text]; numbers count from 1 without gaps.

export const CHUNK = 500;
const CHUNKS_KEPT = 60;

export class Lines {
  constructor(url, last) {
    this.url = url;
    this.last = last;
    this.chunks = new Map();
    this.loading = new Set();
  }

  get(number) {
    return this.chunks.get(Math.floor((number - 1) / CHUNK))?.[(number - 1) % CHUNK];
  }

  has(from, to) {
    for (let number = from; number <= to; number += 1) if (!this.get(number)) return false;
    return true;
  }

  put(line) {
    const index = Math.floor((line[0] - 1) / CHUNK);
    if (!this.chunks.has(index)) this.chunks.set(index, []);
    this.chunks.get(index)[(line[0] - 1) % CHUNK] = line;
    this.last = Math.max(this.last, line[0]);
  }

  forget(near) {
    while (this.chunks.size > CHUNKS_KEPT) {
      const far = [...this.chunks.keys()].reduce((a, b) => (Math.abs(a - near) > Math.abs(b - near) ? a : b));
      this.chunks.delete(far);
    }
  }

  async fetch(parameters) {
    const url = new URL(this.url, location.href);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`The output could not be loaded (${answer.status}).`);
    return answer.json();
  }

  // Loads the chunk that holds a line. Returns whether anything new is there to show.
  async load(number) {
    const index = Math.floor((number - 1) / CHUNK);
    if (this.loading.has(index)) return false;
    this.loading.add(index);
    try {
      const answer = await this.fetch({ after: index * CHUNK, limit: CHUNK });
      for (const line of answer.lines) this.put(line);
      this.last = Math.max(this.last, answer.last);
      this.forget(index);
      return answer.lines.length > 0;
    } finally {
      this.loading.delete(index);
    }
  }
}
