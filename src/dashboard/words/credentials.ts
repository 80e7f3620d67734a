/** Words of DNS providers' credentials, wherever one is given. */
export const credentialParts = {
  rights: "It has to be allowed:",
  make: (provider: string) => `Make one at ${provider}`,
  how: "How it is made",
  choose: (label: string) => `Choose: ${label}`,
}
