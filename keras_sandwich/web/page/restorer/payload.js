// What a coded file says about itself: the fields of its XMP packet, checked as `keras_sandwich.files` checks them.

import { find, readContainer } from "./container.js";
import { crc32 } from "./crc32.js";
import { DamagedFile, NotASandwichFile } from "./errors.js";

const NAMESPACE = "urn:keras-sandwich#";
const RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const FORMAT_VERSION = "1";
const MAX_XMP = 2 ** 17;
const MAX_PIXELS = 178956970;
const PATTERNS = {
  network: /^[0-9a-f]{32}$/,
  pixels: /^[0-9a-f]{32}$/,
  file: /^[0-9a-f]{8}$/,
  size: /^([1-9][0-9]{0,7})x([1-9][0-9]{0,7})$/,
};
const QSTEP = /^[0-9]{1,5}(\.[0-9]{1,3})?$/;

/**
 * The facts of a file; an error of `errors.js` where there is something wrong with it.
 * @param {Uint8Array} data the whole file
 * @returns {import("./restorer.js").Facts}
 */
export function readFacts(data) {
  const { format, xmp } = readContainer(data);
  const nothing = "It carries nothing of keras-sandwich: it was not written by it, or a program that dropped "
    + "the file's metadata saved it anew.";
  if (xmp === null) throw new NotASandwichFile(nothing);
  const fields = readFields(xmp);
  if (!fields.size) throw new NotASandwichFile(nothing);
  const version = fields.get("version") ?? "";
  if (/^[0-9]{1,9}$/.test(version) && version !== FORMAT_VERSION) {
    throw new DamagedFile(`It is of version ${Number(version)} of the format, and this page reads version 1.`);
  }
  const check = fields.get("check");
  fields.delete("check");
  if (check !== checksum(fields)) throw new DamagedFile("What it says about itself is damaged: a checksum differs.");
  for (const [name, pattern] of Object.entries(PATTERNS)) {
    if (!pattern.test(fields.get(name) ?? "")) throw wrong(name);
  }
  const [, width, height] = /** @type {RegExpExecArray} */ (PATTERNS.size.exec(/** @type {string} */ (fields.get("size"))));
  if (Number(width) * Number(height) > MAX_PIXELS) throw wrong("size");
  const qstep = fields.get("qstep");
  if (qstep !== undefined && !(QSTEP.test(qstep) && Number(qstep) > 0)) throw wrong("qstep");
  return {
    format,
    bytes: data.length,
    width: Number(width),
    height: Number(height),
    network: /** @type {string} */ (fields.get("network")),
    preset: fields.get("preset") ?? null,
    qstep: qstep === undefined ? null : Number(qstep),
    settings: settingsOf(fields.get("codec") ?? ""),
    library: fields.get("library") ?? "",
    hasProfile: fields.has("profile"),
    holds: fields.get("holds") ?? null,
    values: kindOf(fields.get("values")),
    pixels: /** @type {string} */ (fields.get("pixels")),
    unaltered: isUnaltered(data, xmp, /** @type {string} */ (fields.get("file"))),
  };
}

/**
 * The fields of this package in a packet, whoever wrote it anew.
 * @param {Uint8Array} xmp
 * @returns {Map<string, string>}
 */
function readFields(xmp) {
  const text = new TextDecoder().decode(xmp).replace(/\0+$/, "");
  const fields = new Map();
  if (!text.includes(NAMESPACE)) return fields;
  if (xmp.length > MAX_XMP || /<!(DOCTYPE|ENTITY)/i.test(text)) {
    throw new DamagedFile("Its metadata hold what they may not.");
  }
  const parsed = new DOMParser().parseFromString(text, "application/xml");
  if (parsed.querySelector("parsererror")) throw new DamagedFile("Its metadata are damaged.");
  for (const description of parsed.getElementsByTagNameNS(RDF, "Description")) {
    for (const part of [...description.attributes, ...description.children]) {
      if (part.namespaceURI !== NAMESPACE) continue;
      if (fields.has(part.localName)) throw new DamagedFile(`Its metadata have '${part.localName}' twice.`);
      fields.set(part.localName, part.textContent ?? "");
    }
  }
  return fields;
}

/** @param {Map<string, string>} fields */
function checksum(fields) {
  const lines = [...fields.keys()].sort().map((name) => `${name}=${fields.get(name)}\n`);
  return crc32(new TextEncoder().encode(lines.join("")));
}

/** @param {string} text */
function settingsOf(text) {
  let settings;
  try {
    settings = JSON.parse(text);
  } catch {
    throw wrong("codec");
  }
  if (typeof settings !== "object" || settings === null || typeof settings.class !== "string") throw wrong("codec");
  return settings;
}

/**
 * What the samples mean where they are no picture's, such as "depth".
 * @param {string | undefined} text
 */
function kindOf(text) {
  if (text === undefined) return null;
  try {
    return String(JSON.parse(text).kind);
  } catch {
    throw wrong("values");
  }
}

/**
 * Whether every byte is as it was written: the packet counts with zeros in the place of its two checksums.
 * @param {Uint8Array} data
 * @param {Uint8Array} xmp part of `data`
 * @param {string} sum
 */
function isUnaltered(data, xmp, sum) {
  const blank = xmp.slice();
  for (const name of [" s:file='", " s:check='"]) {
    const at = find(blank, name, 0);
    if (at < 0) return false;
    blank.fill(0x30, at + name.length, at + name.length + 8);
  }
  const start = xmp.byteOffset - data.byteOffset;
  return sum === crc32(data.subarray(0, start), blank, data.subarray(start + xmp.length));
}

/** @param {string} name */
function wrong(name) {
  return new DamagedFile(`What it says about itself is damaged: '${name}' is missing or not as it should be.`);
}
