import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE =
  'docker-library/tomcat/10.1/jdk17/temurin-jammy/Dockerfile@065b183fdf5b4ab6f4450e73db6b52d4237f212a';

/** Compiled by the server into its folder `work`; what it is given goes into its folder `temp`. */
const PAGE = `<%@ page import="java.nio.file.*" %><%
Path kept = Path.of(System.getProperty("java.io.tmpdir"), "kept");
String word = request.getParameter("word");
if (word != null) Files.writeString(kept, word);
%><%= Files.readString(kept) %>`;

export const tomcat: Program = {
  id: 'tomcat',
  image: {
    name: 'docker.io/library/tomcat:10.1',
    versionOf: 'tomcat10',
    cites: [
      `${DOCKERFILE}: ENV CATALINA_HOME /usr/local/tomcat`,
      `${DOCKERFILE}: WORKDIR $CATALINA_HOME`,
      `${DOCKERFILE}: mkdir webapps;`,
      `${DOCKERFILE}: chmod -R +rX .;`,
      `${DOCKERFILE}: chmod 1777 logs temp work;`,
      `${DOCKERFILE}: EXPOSE 8080`,
      `${DOCKERFILE}: ENTRYPOINT []`,
      `${DOCKERFILE}: CMD ["catalina.sh", "run"]`,
    ],
    packages: [
      'tomcat10',
      'openjdk-17-jre-headless',
      'systemd-standalone-sysusers',
      'systemd-standalone-tmpfiles',
    ],
    steps: `
      mkdir /usr/local/tomcat
      cd /usr/local/tomcat
      cp -rL /usr/share/tomcat10/bin /usr/share/tomcat10/lib .
      # What Tomcat's own archive has as ecj.jar: it compiles pages with it.
      cp -L /usr/share/java/eclipse-jdt-core.jar lib/
      cp -r /usr/share/tomcat10/etc conf
      mkdir webapps logs temp work
      chmod -R +rX .
      chmod 1777 logs temp work
    `,
    config: {
      Env: {
        CATALINA_HOME: '/usr/local/tomcat',
        PATH: '/usr/local/tomcat/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      },
      Cmd: ['catalina.sh', 'run'],
      ExposedPorts: ['8080/tcp'],
      WorkingDir: '/usr/local/tomcat',
    },
  },
  // The application comes in as the server starts, as from a volume or a download.
  pod: (image) =>
    serverPod({
      name: 'tomcat',
      image,
      ports: [8080],
      env: { PAGE },
      args: [
        'sh',
        '-c',
        'mkdir -p webapps/ROOT && printf %s "$PAGE" > webapps/ROOT/value.jsp && exec catalina.sh run',
      ],
    }),
  write: 'curl -fsS --max-time 30 "http://$HOST:8080/value.jsp?word=$VALUE"',
  read: 'curl -fsS --max-time 30 "http://$HOST:8080/value.jsp"',
  survives: false,
};
