// Where JPEG, WebP and AVIF files keep their XMP packet, and what kind of file it is. No pixel is decoded.

import { DamagedFile, NotASandwichFile } from "./errors.js";

const XMP_HEADER = "http://ns.adobe.com/xap/1.0/\0";
const MAX_XMP = 2 ** 17;

/**
 * @param {Uint8Array} data
 * @returns {{format: string, xmp: Uint8Array | null}}
 */
export function readContainer(data) {
  if (starts(data, "\xff\xd8\xff")) return { format: "JPEG", xmp: xmpOfJpeg(data) };
  if (starts(data, "RIFF") && starts(data, "WEBP", 8)) return { format: "WebP", xmp: xmpOfWebp(data) };
  if (starts(data, "ftyp", 4)) return { format: brand(data), xmp: scanned(data) };
  throw new NotASandwichFile(
    data.length ? "It is no JPEG, WebP or AVIF picture." : "The file is empty.",
  );
}

/** @param {Uint8Array} data */
function xmpOfJpeg(data) {
  let place = 2;
  while (place + 4 <= data.length) {
    if (data[place] !== 0xff) throw new DamagedFile(`There is no JPEG marker at byte ${place}.`);
    const marker = data[place + 1];
    if (marker === 0xff) {
      place += 1;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) return null;
    const size = (data[place + 2] << 8) | data[place + 3];
    if (size < 2 || place + 2 + size > data.length) break;
    if (marker === 0xe1 && starts(data, XMP_HEADER, place + 4)) {
      return data.subarray(place + 4 + XMP_HEADER.length, place + 2 + size);
    }
    place += 2 + size;
  }
  throw new DamagedFile("The file ends before its picture begins.");
}

/** @param {Uint8Array} data */
function xmpOfWebp(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let place = 12;
  while (place + 8 <= data.length) {
    const size = view.getUint32(place + 4, true);
    if (place + 8 + size > data.length) throw new DamagedFile("The file is cut short.");
    if (starts(data, "XMP ", place)) return data.subarray(place + 8, place + 8 + size);
    place += 8 + size + (size & 1);
  }
  return null;
}

/** @param {Uint8Array} data */
function brand(data) {
  const name = String.fromCharCode(...data.subarray(8, 12));
  return /^avi[fs]$/.test(name) ? "AVIF" : /^(hei|hev|mif)/.test(name) ? "HEIC" : "an ISO file";
}

/**
 * The packet as it stands in a file whose items would have to be looked up: of ours there is one, in one piece.
 * @param {Uint8Array} data
 */
function scanned(data) {
  const start = find(data, "<rdf:RDF", 0);
  const end = start < 0 ? -1 : find(data, "</rdf:RDF>", start);
  return end < 0 || end - start > MAX_XMP ? null : data.subarray(start, end + 10);
}

/**
 * @param {Uint8Array} data
 * @param {string} text
 * @param {number} from
 */
export function find(data, text, from) {
  const first = text.charCodeAt(0);
  for (let at = data.indexOf(first, from); at >= 0; at = data.indexOf(first, at + 1)) {
    if (starts(data, text, at)) return at;
  }
  return -1;
}

/**
 * @param {Uint8Array} data
 * @param {string} text one character for each byte
 */
export function starts(data, text, at = 0) {
  if (at + text.length > data.length) return false;
  for (let n = 0; n < text.length; n++) if (data[at + n] !== text.charCodeAt(n)) return false;
  return true;
}
