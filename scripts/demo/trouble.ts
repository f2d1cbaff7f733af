// What makes the demonstration fail, told in a sentence.

export class Trouble extends Error {
  override name = 'Trouble'
}
