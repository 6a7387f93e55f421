import { styleText } from 'node:util'

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Puts colour on text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

export const colours: Paint = (style, text) => styleText(style, text, { validateStream: false })
export const noColours: Paint = (_style, text) => text

/** Colours if the stream is a terminal that has them; NO_COLOR and FORCE_COLOR are honoured. */
export function paintFor(stream: NodeJS.WriteStream, wanted: boolean): Paint {
  return wanted && stream.isTTY && stream.hasColors() ? colours : noColours
}
