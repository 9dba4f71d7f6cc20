import { expect } from 'chai';
import { imageUser } from '../../src/images/draft/imageUser.js';
import { UserDatabase } from '../../src/images/userDatabase.js';

const USERS = UserDatabase.parse(
  'root:x:0:0:root:/root:/bin/sh\n# a comment\nweb:x:101:102::/:\nmalformed\n+nis\nfar:x:99999999999:1::/:\nadm:x:0:0::/:\n',
  'root:x:0:\nweb:x:102:\ntty:x:5:web\nbroken\n',
);

describe('imageUser', () => {
  for (const [user, uid, gid] of [
    ['web', 101, 102],
    ['101', 101, 102],
    ['1000', 1000, 0],
    ['1000:2000', 1000, 2000],
    ['web:tty', 101, 5],
    ['101:tty', 101, 5],
    ['web:0', 101, 0],
    ['web:', 101, 102],
  ] as const) {
    it(`USER ${user} is ${uid}:${gid}`, () =>
      expect(imageUser(user, USERS)).to.include({ kind: 'user', uid, gid }));
  }
  for (const user of ['', 'root', '0', '0:101', 'adm', 'root:web']) {
    it(`USER ${JSON.stringify(user)} is root`, () => expect(imageUser(user, USERS).kind).to.equal('root'));
  }
  for (const [user, because] of [
    ['nobody', "USER nobody is not in the image's /etc/passwd: no container of it would start"],
    ['web:nogroup', "USER web:nogroup is not in the image's /etc/group: no container of it would start"],
    ['3000000000', 'USER 3000000000 is no uid that Kubernetes accepts'],
    ['101:3000000000', 'USER 101:3000000000 names no gid that Kubernetes accepts'],
    ['far', "USER far is not in the image's /etc/passwd: no container of it would start"],
  ] as const) {
    it(`USER ${user} is not known`, () =>
      expect(imageUser(user, USERS)).to.deep.equal({ kind: 'unknown', because }));
  }
  describe('without the layers', () => {
    it('knows numbers, and root', () => {
      expect(imageUser('101:102', undefined)).to.include({ uid: 101, gid: 102 });
      expect(imageUser('101', undefined)).to.include({ uid: 101, gid: undefined });
      expect(imageUser('101:web', undefined)).to.include({ uid: 101, gid: undefined });
      expect(imageUser('root', undefined).kind).to.equal('root');
    });
    it('knows no other name', () => expect(imageUser('web', undefined).kind).to.equal('unknown'));
  });
});
