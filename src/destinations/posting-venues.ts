// Where an order sent to a destination is posted: the venue in whose book it stands, and whose prints at its price may
// fill it. It depends on the venue that lists the ticker. An order with no posting venue stands in no book; the
// simulation fills it only through its price.

/** Destination → MIC of the listing venue → MIC of the posting venue. */
const postingVenues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ALPHA: { XTSE: 'XATS', XTSX: 'XATS' },
  ASXT: { XASX: 'XASX' },
  CHIX: { NEOE: 'CHIC', XCNQ: 'CHIC', XTSE: 'CHIC', XTSX: 'CHIC' },
  CSE: { XCNQ: 'XCNQ' },
  CSE2: { XCNQ: 'CSE2', XTSE: 'CSE2', XTSX: 'CSE2' },
  CX2: { NEOE: 'XCX2', XCNQ: 'XCX2', XTSE: 'XCX2', XTSX: 'XCX2' },
  CXA: { XASX: 'CHIA' },
  LYNX: { NEOE: 'LYNX', XCNQ: 'LYNX', XTSE: 'LYNX', XTSX: 'LYNX' },
  MATNLP: { NEOE: 'MATN', XCNQ: 'MATN', XTSE: 'MATN', XTSX: 'MATN' },
  MATNMF: { NEOE: 'MATN', XCNQ: 'MATN', XTSE: 'MATN', XTSX: 'MATN' },
  NEOE: { NEOE: 'NEOE', XCNQ: 'NEOE', XTSE: 'NEOE', XTSX: 'NEOE' },
  OMEGA: { NEOE: 'OMGA', XCNQ: 'OMGA', XTSE: 'OMGA', XTSX: 'OMGA' },
  PURE: { XTSE: 'PURE', XTSX: 'PURE' },
  TSX: { XTSE: 'XTSE', XTSX: 'XTSX' },
}

/** For tickers listed at the venue with this MIC: destination → MIC of the posting venue. */
export function postingVenuesOf(listingMic: string): ReadonlyMap<string, string> {
  const posting = new Map<string, string>()
  for (const [destination, byListing] of Object.entries(postingVenues)) {
    const mic = byListing[listingMic]
    if (mic !== undefined) posting.set(destination, mic)
  }
  return posting
}
