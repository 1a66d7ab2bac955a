/** Returns a string member of a JSON object; null if there is none. */
export function stringMember(body: Uint8Array, member: string): string | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const id: unknown = Reflect.get(value, member);
    return typeof id === 'string' && id !== '' ? id : null;
  } catch {
    return null;
  }
}
