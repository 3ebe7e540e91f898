// Where lines stand: they are cut into blocks of 50; a block that was never built counts as so many plain rows.

export const BLOCK = 50;

export class Heights {
  constructor(lines, rowHeight) {
    Object.assign(this, { lines, rowHeight, measured: new Map() });
  }

  get blocks() {
    return Math.ceil(this.lines.last / BLOCK);
  }

  of(block) {
    const count = Math.min(BLOCK, this.lines.last - block * BLOCK);
    return this.measured.get(block) ?? count * this.rowHeight;
  }

  // The block at a distance from the top, and how far from the top it begins.
  at(distance) {
    let top = 0;
    let block = 0;
    for (; block < this.blocks - 1; block += 1) {
      const height = this.of(block);
      if (top + height > distance) break;
      top += height;
    }
    return [block, top];
  }

  topOf(number) {
    const block = Math.floor((number - 1) / BLOCK);
    let top = 0;
    for (let each = 0; each < block; each += 1) top += this.of(each);
    return top + ((number - 1) % BLOCK) * this.rowHeight;
  }

  below(block) {
    let height = 0;
    for (let each = block + 1; each < this.blocks; each += 1) height += this.of(each);
    return height;
  }
}
