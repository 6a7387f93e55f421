/** A command cannot do what it was asked to. The message is for the person in front of the terminal. */
export class Failure extends Error {
  override name = 'Failure'
}
