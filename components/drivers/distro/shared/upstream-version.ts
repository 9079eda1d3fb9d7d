/**
 * The upstream version in `EPOCH:UPSTREAM-REVISION`, as dpkg, pacman and RPM write it (deb-version(7), vercmp(8)):
 * `1:7.2+dfsg-7+deb12u7` is 7.2, `1:11.9.0-1` is 11.9.0.
 */
export const upstreamVersion = (version: string): string | undefined =>
  /^(?:\d+:)?(\d+(?:\.\d+)*)/.exec(version)?.[1];
