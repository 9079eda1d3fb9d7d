import { expect, test } from "vitest";
import { databaseError, describeTrouble } from "../../../fleet/ground/database.ts";

test("a database is named without its login", () => {
  const error = databaseError("postgres://fleet:secret@db:5432/fleet?sslmode=disable", new Error("refused"));
  expect(error.message).toMatch(/^the database postgres:\/\/db:5432\/fleet cannot be asked: refused\n {2}→ /);
  expect(error.exitCode).toBe(1);
});

test("a name with several addresses gives the error of each", () => {
  expect(
    describeTrouble(new AggregateError([new Error("refused ::1"), new Error("refused 127.0.0.1")])),
  ).toBe("refused ::1; refused 127.0.0.1");
});
