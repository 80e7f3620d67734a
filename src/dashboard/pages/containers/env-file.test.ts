import { expect, test } from "bun:test"
import { joinWords, parseWords } from "./command-words"
import { parseEnvFile } from "./env-file"

test.each([
  [
    "A=1\nB=two words\r\n",
    [
      ["A", "1"],
      ["B", "two words"],
    ],
  ],
  ["# a comment\n\nexport TZ=Europe/Oslo", [["TZ", "Europe/Oslo"]]],
  [
    `A="x # y" # said\nB='$C \\n'\nC="one\\ntwo \\"three\\""`,
    [
      ["A", "x # y"],
      ["B", "$C \\n"],
      ["C", 'one\ntwo "three"'],
    ],
  ],
  [
    "URL=https://a.test/#part\nE=\nF= # nothing\nG=a # b",
    [
      ["URL", "https://a.test/#part"],
      ["E", ""],
      ["F", ""],
      ["G", "a"],
    ],
  ],
  ["not a variable\n=x\n1A=2", []],
] as [string, [string, string][]][])("%p is read as a .env file", (text, found) => {
  expect(parseEnvFile(text)).toEqual(found)
})

test.each([
  ["nginx -g 'daemon off;'", ["nginx", "-g", "daemon off;"]],
  [`sh -c "echo \\"hi\\" \\$HOME"`, ["sh", "-c", 'echo "hi" \\$HOME']],
  ["a\\ b  c", ["a b", "c"]],
  ["a ''", ["a", ""]],
  ["  ", []],
  ["a 'b", undefined],
])("%p is parted into words", (text, words) => {
  expect(parseWords(text)).toEqual(words as never)
})

test.each([[["/bin/sh", "-c", "trap 'exit 0' TERM; echo \"$X\" & wait"]], [["a", "", "b\nc", "\\"]]])(
  "%p is read back from one line",
  (words) => {
    expect(parseWords(joinWords(words))).toEqual(words)
  },
)
