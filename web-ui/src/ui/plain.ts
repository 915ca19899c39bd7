/** The box's words about a fault without what only its operating system says: `Connection refused (os error 111)`. */
export const plain = (text: string): string => text.replaceAll(/ \(os error \d+\)/g, "");
