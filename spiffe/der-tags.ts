/** The identifier octets of DER as certificates use them (X.690, 8.1.2). All have a tag number below 31, so each is one byte. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier octet `[number]` of an implicitly tagged primitive, such as a URI in a general name. `number`: 0 to 30. */
export function primitiveTag(number: number): number {
  return 0x80 | number;
}

/** The identifier octet `[number]` of an explicit tag or an implicitly tagged constructed value. `number`: 0 to 30. */
export function constructedTag(number: number): number {
  return 0xa0 | number;
}
