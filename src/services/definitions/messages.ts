// Messages of the definitions service, kinds 300 to 399. Definitions travel as a file spells them: a map of countries,
// currencies, venues, destinations and exchange rates.

/** Name under which the service is registered. */
export const DEFINITIONS_SERVICE = 'definitions_service'

/** Elements after `[kind, requestId` of the request → after `[71, requestId` of the answer; who may ask. */
export const DefinitionsKind = {
  /** → definitions. Anyone. */
  Load: 300,
  /** → definitions, then pushes of every change. Anyone. */
  Follow: 301,
  /** → whether anything changed (0/1), after the file was read again. Administrators. */
  Reload: 302,

  /** definitions. */
  DefinitionsChanged: 350,
} as const
