// What a vector is and what runs one. A vector is one scenario: steps, and what must come out of them. A unit knows the
// part under test that its vectors name, and turns the steps into calls of it.

/** One scenario, as its file holds it. README.md beside this file explains the members and each unit's steps. */
export interface Vector {
  readonly name: string
  /** The part under test; the order side says `unit`, the risk side `model`. */
  readonly unit?: string
  readonly model?: string
  /** For people only. */
  readonly about?: string
  readonly setup?: Record<string, unknown>
  readonly steps: Record<string, unknown>[]
  readonly expect: unknown
}

/** Runs the vectors that name it. Modules in `units/` export their list of these as `units`. */
export interface VectorUnit {
  readonly name: string
  /** Readable differences between what the vector expects and what came out; an empty list is a pass. */
  run(vector: Vector): string[] | Promise<string[]>
}

/** The name by which a vector finds its unit. */
export function unitName(vector: Vector): string {
  return vector.unit ?? vector.model ?? ''
}
