// CRC-32 as zlib computes it.

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1;
  return number >>> 0;
});

/**
 * Of one piece after another, as eight hexadecimal digits.
 * @param {...Uint8Array} pieces
 */
export function crc32(...pieces) {
  let sum = 0xffffffff;
  for (const piece of pieces) {
    for (let n = 0; n < piece.length; n++) sum = TABLE[(sum ^ piece[n]) & 0xff] ^ (sum >>> 8);
  }
  return ((sum ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}
