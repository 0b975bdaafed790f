/** Whom of a site's users something is for; null stands for all. */
export interface UserFilter {
  readonly carrier: string | null;
  readonly province: string | null;
  readonly port: number | null;
}

export function isFor(
  { carrier, province, port }: UserFilter,
  one: { readonly carrier: string; readonly province: string; readonly port: number },
): boolean {
  return (
    (carrier === null || carrier === one.carrier) &&
    (province === null || province === one.province) &&
    (port === null || port === one.port)
  );
}
