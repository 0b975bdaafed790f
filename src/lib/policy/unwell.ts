/** Why users do not come back to a site. */
export interface Unwell {
  /** Share of what was measured of the ways there, 0..1; null while that is too little. */
  readonly loss: number | null;
  /** Those that take no connection, or lose too much. */
  readonly addresses: readonly UnwellAddress[];
}

export interface UnwellAddress {
  readonly url: string;
  /** Null where the policy does not name the gateway. */
  readonly node: string | null;
  readonly connects: boolean;
  readonly loss: number | null;
}

/** `gw-2 (ws://10.0.0.2:443) takes no connections, 100% of what was measured to it is lost; of all ways to the site 50%` */
export function unwellText({ loss, addresses }: Unwell): string {
  const each = addresses.map(({ url, node, connects, loss: lost }) => {
    const said = [
      ...(connects ? [] : ["takes no connections"]),
      ...(lost === null ? [] : [`${percent(lost)} of what was measured to it is lost`]),
    ];
    return `${node === null ? url : `${node} (${url})`} ${said.join(", ")}`;
  });
  const all = loss === null ? [] : [`of all ways to the site ${percent(loss)} is lost`];
  return [...each, ...all].join("; ");
}

/** What to do about it: of gateways that take no connections, by the names that the policy has for them. */
export function deadNodes({ addresses }: Unwell): string[] {
  return [...new Set(addresses.flatMap(({ node, connects }) => (connects ? [] : (node ?? []))))];
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
