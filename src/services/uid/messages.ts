// Messages of the uid service, kinds 500 to 599.

export const UidKind = {
  /** size (1 to BLOCK_SIZE_MAX) → first id; it and the `size − 1` that follow were never handed out before. Services. */
  Reserve: 500,
} as const

/** Ids of one block. */
export const BLOCK_SIZE_MAX = 10_000

/** Name under which the service is registered. */
export const UID_SERVICE = 'uid_service'
