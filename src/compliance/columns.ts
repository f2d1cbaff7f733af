// Typed columns that grow: twice as long each time they are full, so that growing is seldom and the rest of the time
// nothing is allocated.

type Column = Float64Array | Int32Array | Uint16Array | Int8Array | Uint8Array

/** A column of `length` with the content of `column`. */
export function grown<T extends Column>(column: T, length: number): T {
  const longer = new (column.constructor as new (length: number) => T)(length)
  longer.set(column)
  return longer
}
