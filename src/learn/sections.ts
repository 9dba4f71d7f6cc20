/** A part of a script's output: the line `@ NAME ARGUMENT`, and what follows it. */
export interface Section {
  readonly name: string;
  /** What stands after the name; a path may hold blanks. */
  readonly argument: string;
  readonly lines: readonly string[];
}

/** Takes a script's output apart; what stands before the first section is left out. */
export function sectionsOf(output: string): Section[] {
  const sections: { name: string; argument: string; lines: string[] }[] = [];
  for (const line of output.split('\n')) {
    const [, name, argument = ''] = /^@ (\w+)(?: (.*))?$/.exec(line) ?? [];
    if (name !== undefined) sections.push({ name, argument, lines: [] });
    else if (line !== '') sections.at(-1)?.lines.push(line);
  }
  return sections;
}

/** The lines of the first section of a name, and with an argument where one is given; none where there is no such section. */
export function linesOf(sections: readonly Section[], name: string, argument?: string): readonly string[] {
  return (
    sections.find(
      (section) => section.name === name && (argument === undefined || section.argument === argument),
    )?.lines ?? []
  );
}

export function hasSection(sections: readonly Section[], name: string): boolean {
  return sections.some((section) => section.name === name);
}
