// Messages of the definitions service, kinds 300 to 399.

/** Name under which the service is registered. */
export const DEFINITIONS_SERVICE = 'definitions_service'

export const DefinitionsKind = {
  /** → the definitions as a file spells them: a map of countries, currencies, venues, destinations, exchange rates. Anyone. */
  Load: 300,
} as const
