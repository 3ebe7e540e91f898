// The part of a style sheet that pages use. Standard input: {"css", "own", "names"}; standard output: the style sheet.
// names: classes that our sources name; one that ends in a hyphen stands for all that begin so. own: our own style
// sheets, which may name fonts and animations of the other.
import { readFileSync } from "node:fs";
import { PurgeCSS } from "purgecss";

const { css, own, names } = JSON.parse(readFileSync(0, "utf8"));
const beginnings = names.filter((name) => name.endsWith("-"));
const everyWord = (pattern) => [...new Set([...css.matchAll(pattern)].map((found) => found[1]))];

const [purged] = await new PurgeCSS().purge({
  content: [{ raw: names.join(" "), extension: "names" }],
  css: [{ raw: css }],
  // Elements and attributes are whatever a page holds: only classes are left out.
  defaultExtractor: (text) => ({
    classes: text.split(" "), ids: [], attributes: { names: [], values: [] }, undetermined: [],
    tags: everyWord(/([a-z][a-z0-9]*)/gi),
  }),
  dynamicAttributes: everyWord(/\[([\w-]+)/g),
  fontFace: true,
  keyframes: true,
  safelist: {
    standard: beginnings.map((beginning) => new RegExp(`^${beginning}`)),
    keyframes: everyWord(/@keyframes ([\w-]+)/g).filter((name) => own.includes(name)),
  },
});
process.stdout.write(purged.css);
