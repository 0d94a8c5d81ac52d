// What can be wrong with a file, each kind with words for a person.

/** The file is no picture that keras-sandwich wrote. */
export class NotASandwichFile extends Error {
  name = "NotASandwichFile";
}

/** The file was one, and is cut short, edited or saved anew. */
export class DamagedFile extends Error {
  name = "DamagedFile";
}

/** The file is whole, and another network restores it. */
export class OtherNetwork extends Error {
  name = "OtherNetwork";
}
