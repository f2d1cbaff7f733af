// The tickers of the simulated market with plausible prices, in units of their currency.

export interface SimulatedTicker {
  readonly ticker: string
  /** Previous close, around which the price walks. */
  readonly price: number
}

export const simulatedTickers: readonly SimulatedTicker[] = [
  { ticker: 'ABX.TSX', price: 25.37 },
  { ticker: 'AEM.TSX', price: 88.42 },
  { ticker: 'ARX.TSX', price: 24.18 },
  { ticker: 'ATD.TSX', price: 78.9 },
  { ticker: 'BAM.TSX', price: 54.63 },
  { ticker: 'BCE.TSX', price: 45.71 },
  { ticker: 'BMO.TSX', price: 118.25 },
  { ticker: 'BN.TSX', price: 57.84 },
  { ticker: 'BNS.TSX', price: 65.33 },
  { ticker: 'BTO.TSX', price: 3.74 },
  { ticker: 'CAE.TSX', price: 26.52 },
  { ticker: 'CCO.TSX', price: 58.16 },
  { ticker: 'CM.TSX', price: 66.07 },
  { ticker: 'CNQ.TSX', price: 47.95 },
  { ticker: 'CNR.TSX', price: 168.4 },
  { ticker: 'CP.TSX', price: 109.81 },
  { ticker: 'CSU.TSX', price: 3_702.5 },
  { ticker: 'CVE.TSX', price: 26.44 },
  { ticker: 'DOL.TSX', price: 112.36 },
  { ticker: 'ENB.TSX', price: 48.87 },
  { ticker: 'FM.TSX', price: 15.62 },
  { ticker: 'FNV.TSX', price: 166.93 },
  { ticker: 'FTS.TSX', price: 54.48 },
  { ticker: 'GIB-A.TSX', price: 144.1 },
  { ticker: 'K.TSX', price: 9.83 },
  { ticker: 'L.TSX', price: 151.7 },
  { ticker: 'LUN.TSX', price: 14.29 },
  { ticker: 'MFC.TSX', price: 34.56 },
  { ticker: 'MG.TSX', price: 63.05 },
  { ticker: 'NA.TSX', price: 111.48 },
  { ticker: 'OTEX.TSX', price: 40.22 },
  { ticker: 'POW.TSX', price: 39.17 },
  { ticker: 'QSR.TSX', price: 97.66 },
  { ticker: 'RCI-B.TSX', price: 53.91 },
  { ticker: 'RY.TSX', price: 137.2 },
  { ticker: 'SHOP.TSX', price: 92.75 },
  { ticker: 'SLF.TSX', price: 69.38 },
  { ticker: 'SU.TSX', price: 50.64 },
  { ticker: 'T.TSX', price: 22.13 },
  { ticker: 'TD.TSX', price: 81.02 },
  { ticker: 'TECK-B.TSX', price: 66.49 },
  { ticker: 'WCN.TSX', price: 225.6 },
]
