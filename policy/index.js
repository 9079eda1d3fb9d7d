// Plain JavaScript, so that Pulumi leaves the TypeScript behind it to Node.
import "./pack.ts";
