/** Somebody as the API server authenticated them. `uid` is empty where the authenticator gives none. */
export interface Person {
  readonly username: string;
  readonly uid: string;
}

/** The same name or the same uid: uids outlive a rename, names outlive a new account. An empty uid equals none. */
export function isSamePerson(left: Person, right: Person): boolean {
  return left.username === right.username || (left.uid !== '' && left.uid === right.uid);
}
