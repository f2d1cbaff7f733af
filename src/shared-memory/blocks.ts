// The unit in which shared words are laid out. Two words written by different threads never lie in the same block, so
// that one writer never takes the cache line from under another.

/** Two cache lines of 64 bytes: processors fetch lines in pairs, and some have lines of 128 bytes. */
export const BLOCK_BYTES = 128
/** 32-bit words of a block. */
export const BLOCK_WORDS = BLOCK_BYTES / Int32Array.BYTES_PER_ELEMENT

/** `bytes` rounded up to whole blocks. */
export function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}
