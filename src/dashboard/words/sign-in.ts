/** Words of the ways in. */
export const signIn = {
  passkey: "Sign in with a passkey",
  or: "or",
  keysElsewhere: "Passkeys and security keys work at",
  confirm: "Confirm that it is you",
  owes: (username: string) => `The password of ${username} is right. One more proof is needed.`,
  back: "Sign in as somebody else",
  other: "Other ways to confirm",
  webauthn: {
    title: "Security key or passkey",
    use: "Use a security key",
    lead: "Plug it in or hold it near, then touch it when it blinks.",
    waiting: "Waiting for the key…",
  },
  totp: {
    title: "Authenticator app",
    use: "Use the authenticator app",
    label: "Six-digit code",
    hint: "The code that the app shows now. It changes every 30 seconds, and each one works once.",
  },
  recovery_code: {
    title: "Recovery code",
    use: "Use a recovery code",
    label: "Recovery code",
    hint: "One of the ten that you kept when you set up two-factor sign-in. It works once.",
  },
  confirmCode: "Confirm code",
  stuck: "No way to confirm is left at this address.",
  askAdministrator: "Nothing of these at hand? An administrator can turn two-factor sign-in off for you.",
  over: "That took longer than five minutes, or was used already. Sign in again.",
  unproved: "That did not match. Try again.",
  unknownPasskey: "Freehold knows no such passkey, or it was not unlocked by PIN, face or finger. Sign in with your password.",
  keyFaults: {
    unused: "The key was not used: it was not at hand, refused, or the time ran out. Try again.",
    known: "This key is registered already.",
    refused: "The browser lets no key be used at this address.",
  },
}
