export { rules as default } from "./rooms.ts";
