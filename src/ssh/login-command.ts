/**
 * The command line that gives a person what sshd would: the shell that the container's /etc/passwd names for the user, as a login shell, or with
 * one command. A container without /bin/sh has nothing to log in to.
 */
export function loginCommand(command: string | undefined): string[] {
  return ["/bin/sh", "-c", script, "sh", ...(command === undefined ? [] : [command])]
}

const script = `user=$(id -un 2>/dev/null)
while IFS=: read -r name _ _ _ _ home program; do
  if [ "$name" = "$user" ]; then
    [ -d "$home" ] && HOME=$home
    SHELL=$program
    break
  fi
done 2>/dev/null </etc/passwd
case $SHELL in */nologin | */false) SHELL= ;; esac
[ -x "$SHELL" ] || SHELL=/bin/sh
[ -n "$user" ] && USER=$user LOGNAME=$user && export USER LOGNAME
export HOME SHELL
cd "$HOME" 2>/dev/null || cd /
[ $# -eq 0 ] && exec "$SHELL" -l
exec "$SHELL" -c "$1"`
