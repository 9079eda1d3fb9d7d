/** The agent's folder and file on a host: what every change goes through (components/agent/agent.sh). */
export const AGENT_FOLDER = "/usr/local/lib/vfio-fleet";
export const AGENT = `${AGENT_FOLDER}/host`;
/** What looks at a host as root where a login's sudo allows no shell (components/probe/program.sh). */
export const PROBE = `${AGENT_FOLDER}/probe`;
