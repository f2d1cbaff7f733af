// Networks in CIDR form, as `10.1.0.0/16` or `2001:db8::/32`; an address alone is a network of one.

import net from 'node:net'

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const FAMILY_BITS = { ipv4: 32, ipv6: 128 } as const

/** The network that `text` names; undefined where it names none. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text)
  if (match === null) return undefined
  const [, address = '', bits] = match
  const version = net.isIP(address)
  if (version === 0 || address.includes('%')) return undefined
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const prefix = bits === undefined ? FAMILY_BITS[family] : Number(bits)
  return prefix <= FAMILY_BITS[family] ? { address, prefix, family } : undefined
}

export function formatNetwork({ address, prefix }: Network): string {
  return `${address}/${prefix}`
}

/** Hosts of which somebody may be one. */
export class Networks {
  readonly #list = new net.BlockList()
  readonly #isEmpty: boolean

  constructor(networks: readonly Network[]) {
    this.#isEmpty = networks.length === 0
    for (const { address, prefix, family } of networks) this.#list.addSubnet(address, prefix, family)
  }

  /** Whether the host lies in one of them; in none at all every host does. */
  admits(host: string): boolean {
    if (this.#isEmpty) return true
    // A socket for both families gives IPv4 hosts in this form.
    const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host
    const version = net.isIP(plain)
    return version !== 0 && this.#list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
  }
}
