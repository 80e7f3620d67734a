/** Words of the pages before somebody is signed in. */
export const open = {
  signIn: "Sign in",
  username: "User name",
  password: "Password",
}
